/* store_test.h includes it for tests that fork, which are not built for Windows. */
