/*
 * What AddressSanitizer is told by the programs of `make asan`: no search for
 * leaks at the end. It would need ptrace and a process more, which their
 * sandboxes refuse. The unit tests look for leaks.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
