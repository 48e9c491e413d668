#include <jemalloc/jemalloc.h>
#include <stdint.h>

// jemalloc reads this when it starts (its manual, "TUNING"); MALLOC_CONF in the environment goes before it.
//
// By default memory of 8 MiB and more is given back to the system as soon as it is freed, so that each large frame pays for
// its pages anew: 20 to 29 ms of CPU a frame of 10 MB, against 7 to 8 ms when it decays like all other memory.
//
// A thread of its own gives memory back: otherwise that is done by who allocates, and a service that has nothing to do after a
// storm keeps what that took (1,040 MB after 12 uploads of 30 MB; 43 MB 16 s later with it).
const char *malloc_conf = "oversize_threshold:0,background_thread:true,max_background_threads:1";

// The first of jemalloc's arenas is made before that threshold is known, and keeps the default: an event loop that came to use
// it, as in about one process of eight, paid for pages all the same (jemalloc 5.3.0, src/jemalloc.c, malloc_init_hard).
__attribute__((constructor)) static void let_large_memory_decay_in_the_first_arena(void) {
    size_t threshold = SIZE_MAX;
    mallctl("arena.0.oversize_threshold", NULL, NULL, &threshold, sizeof threshold);
}
