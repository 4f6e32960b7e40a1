/* setup_child.h - run ml-agent.exe from the installer: what it is told in confidence goes through its standard input, what
 * it says comes back. Private to ml-setup.dll. Thread rule: any thread. */
#ifndef MLC_PACKAGING_WINDOWS_SETUP_CHILD_H
#define MLC_PACKAGING_WINDOWS_SETUP_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

enum { SETUP_COMMAND_MAX = 8192, SETUP_OUTPUT_MAX = 16384 };

/* A command line as Windows' programs take it apart; zeroed is empty. */
typedef struct setup_command {
    wchar_t text[SETUP_COMMAND_MAX];
    size_t len;
    bool overflow; /* an argument did not fit */
} setup_command;

/* One more argument, which stays one whatever is in it. */
void setup_command_add(setup_command *command, const wchar_t *argument);

/* Runs `program` (full path) to its end and gives its exit status. `input` (UTF-8) is its standard input, `output` gets
 * what it writes to its standard output and error, cut at SETUP_OUTPUT_MAX - 1 bytes. False with GetLastError when it
 * cannot be run, or (WAIT_TIMEOUT) has not ended within two minutes; it is ended then. */
bool setup_child_run(const wchar_t *program, setup_command *command, const char *input,
                     char output[SETUP_OUTPUT_MAX], unsigned long *status);

#endif
