/* base/crash.h — places where a test may kill the process.
 *
 * Put tw_crash_point() after every step of a durable write, named by what is on
 * disk there. In release builds it is nothing. In torture builds the process
 * ends with status 99, without any clean-up, at the nth point it reaches: n
 * comes from tw_crash_arm() or, for whole programs, from TW_CRASH_AT.
 */
#ifndef TW_BASE_CRASH_H
#define TW_BASE_CRASH_H

#ifdef TW_TORTURE
#define TW_CRASH_STATUS 99
void tw_crash_point(void);
void tw_crash_arm(long nth); /* 0 disarms */
#else
#define tw_crash_point() ((void) 0)
#endif

#endif
