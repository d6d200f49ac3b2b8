/* nn/kernels/simd.h — one kernel body, compiled for several instruction sets.
 *
 *     TW_BODY void sum_body(double *out, const tw_real *x, size_t n) { ... }
 *     TW_DISPATCH(tw_vec_sum, sum_body, (double *out, const tw_real *x, size_t n), (out, x, n))
 *
 * defines tw_vec_sum (TW_DISPATCH_STATIC: a static one), which picks a copy by what the CPU has.
 * Plain calls, no ifunc: those crash under sanitizers and clang 14 knows no target_clones. The
 * bodies hold plain loops that the compiler vectorises; the files that use
 * this are built with the flags that nn/CMakeLists.txt gives them.
 *
 * The results of two CPUs may differ in the last bit (fused multiply-add); the
 * results of one CPU never differ.
 */
#ifndef TW_NN_KERNELS_SIMD_H
#define TW_NN_KERNELS_SIMD_H

#define TW_BODY static inline __attribute__((always_inline))

#if defined(__x86_64__) && defined(__GNUC__)
#define TW_DISPATCH_AS(scope, name, body, params, args)                                            \
    __attribute__((                                                                                \
        target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))) static void name##_avx512 params   \
    {                                                                                              \
        body args;                                                                                 \
    }                                                                                              \
    __attribute__((target("avx2,fma"))) static void name##_avx2 params { body args; }              \
    static void name##_any params { body args; }                                                   \
    scope void name params                                                                         \
    {                                                                                              \
        if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&            \
            __builtin_cpu_supports("avx512bw"))                                                    \
            name##_avx512 args;                                                                    \
        else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))                  \
            name##_avx2 args;                                                                      \
        else                                                                                       \
            name##_any args;                                                                       \
    }
#else
#define TW_DISPATCH_AS(scope, name, body, params, args)                                            \
    scope void name params { body args; }
#endif

#define TW_DISPATCH(name, body, params, args) TW_DISPATCH_AS(extern, name, body, params, args)
#define TW_DISPATCH_STATIC(name, body, params, args)                                               \
    TW_DISPATCH_AS(static, name, body, params, args)

#endif
