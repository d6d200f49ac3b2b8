/* nn/blas.h — matrix products, and the set-up that makes them fast.
 *
 * All matrices are row-major. OpenBLAS runs on the calling thread only: the
 * project's own workers are the one owner of parallelism.
 */
#ifndef TW_NN_BLAS_H
#define TW_NN_BLAS_H

#include "base/error.h"
#include "base/real.h"

/* C (M,N) = alpha * op(A) op(B) + beta * C, with op(A) (M,K) and op(B) (K,N); ta/tb nonzero
 * transposes. lda, ldb, ldc are the strides of the stored rows. beta 0 ignores what C held. */
void tw_gemm(int ta, int tb, int M, int N, int K, tw_real alpha, const tw_real *A, int lda,
             const tw_real *B, int ldb, tw_real beta, tw_real *C, int ldc);

/* Call first in main(), before any thread. Sets OPENBLAS_NUM_THREADS and OMP_NUM_THREADS to 1, and
 * OPENBLAS_CORETYPE where the OpenBLAS that was loaded chose kernels older than the CPU (0.3.21
 * runs Zen 4/5 at half speed), and executes the program again with them when the environment
 * lacked one: OpenBLAS and OpenMP read them as they load, which is before main(). Returns when
 * nothing needs to change or when re-executing fails (slower, still right). Never loops. */
void tw_blas_reexec(char **argv);

/* Call before the first product of a thread that may report a failure. OpenBLAS maps a buffer of
 * 128 MiB for each product that runs, and where it cannot tries again for ever. Where memory is
 * limited, this lets it map as many as fit into a quarter of what is left, but one at least, and
 * from then on as many products run at once. TW_ENOMEM: there is no room for one. Thread-safe, and
 * free after the first success. */
TW_NODISCARD tw_status tw_blas_ready(tw_error *err);

/* Threads of OpenBLAS set to one, for programs that embed the library and cannot re-execute. */
void tw_blas_single_thread(void);

const char *tw_blas_core(void); /* the kernel set in use, e.g. "SkylakeX" */

#endif
