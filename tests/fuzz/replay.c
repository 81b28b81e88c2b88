/* replay - run a fuzzer's function over the files named, without a fuzzer. */
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "fuzz.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		scoped_buf struct buf in = BUF_INIT(1 << 20);
		struct error err = {0};

		if (fd_read_file(AT_FDCWD, argv[i], &in, &err) == -1) {
			fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
		(void)LLVMFuzzerTestOneInput(
		    (const uint8_t *)buf_z(&in), in.len);
	}
	printf("%s: %d inputs\n", argv[0], argc - 1);
	return argc > 1 ? 0 : 1;
}
