/* Before anything else, the libraries' own beginnings included: OpenBLAS starts its threads as it
 * is loaded, and where a memory limit forbids one it prints four lines and kills the process. So
 * under a limit the program is executed again with the one thread that it wants anyway (nn/blas.h),
 * before OpenBLAS has looked. */
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

enum { MOST_VARIABLES = 1000 };

static void one_thread(int argc, char **argv, char **envp)
{
    static char name[] = "OPENBLAS_NUM_THREADS=1";
    char *more[MOST_VARIABLES + 2], self[4096];
    struct rlimit lim;
    size_t n = 0;

    if (argc < 1 || getrlimit(RLIMIT_AS, &lim) != 0 || lim.rlim_cur == RLIM_INFINITY)
        return;
    for (; envp[n] != NULL && n < MOST_VARIABLES; n++) {
        if (strncmp(envp[n], name, sizeof name - 2) == 0)
            return;
        more[n] = envp[n];
    }
    more[n++] = name;
    more[n] = NULL;
    const ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        return;
    self[len] = '\0';
    (void) execve(self, argv, more); /* comes back only where it failed: as it was */
}

/* Run by the loader ahead of every library's constructors. */
typedef void (*early_call)(int argc, char **argv, char **envp);
__attribute__((section(".preinit_array"), used)) static const early_call before_all = one_thread;

#else
typedef int nothing_before_main; /* a file is never empty */
#endif
