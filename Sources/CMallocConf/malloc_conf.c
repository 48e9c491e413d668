// jemalloc reads this when it starts (its manual, "TUNING"); MALLOC_CONF in the environment goes before it.
//
// By default memory of 8 MiB and more is given back to the system as soon as it is freed, so that each large frame pays for
// its pages anew: 20 to 29 ms of CPU a frame of 10 MB, against 8 to 10 ms when it decays like all other memory.
const char *malloc_conf = "oversize_threshold:0";
