/* Replays a corpus through a fuzz target without any fuzzer, so that inputs once found are tested
 * in every build. Each input lies in a heap block of exactly its size: in one big buffer the
 * address sanitizer would be blind to a read past the end. An empty corpus fails. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat sb;
    if (f == NULL || fstat(fileno(f), &sb) != 0) {
        (void) fprintf(stderr, "cannot open %s\n", path);
        return -1;
    }
    size_t size = (size_t) sb.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    size_t got = data != NULL ? fread(data, 1, size, f) : 0;
    (void) fclose(f);
    if (data == NULL || got != size) {
        free(data);
        (void) fprintf(stderr, "cannot read %s\n", path);
        return -1;
    }
    (void) LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int replay_folder(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    if (d == NULL)
        return replay_file(path);
    for (struct dirent *at = readdir(d); at != NULL && n >= 0; at = readdir(d)) {
        char file[4096];
        if (at->d_name[0] == '.')
            continue;
        (void) snprintf(file, sizeof file, "%s/%s", path, at->d_name);
        int one = replay_file(file);
        n = one < 0 ? -1 : n + one;
    }
    (void) closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int n = replay_folder(argv[i]);
        if (n < 0)
            return EXIT_FAILURE;
        total += n;
    }
    (void) printf("%d inputs replayed\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
