// Nothing to be called: what this target defines is read by jemalloc.
