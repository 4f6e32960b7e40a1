/* service_windows.c - see service.h. */
#include "agent/windows/service_private.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

static int usage(const mlc_program *program)
{
    (void)fprintf(
        stderr,
        "usage: %s service install [--config FILE] [--relay-url URL] [--ais-url URL] [--agent ID]\n"
        "           [--token-file FILE | --token-stdin] [--start]\n"
        "                                  register the service and make its folders; as administrator\n"
        "       %s service uninstall           remove the service; data and configuration stay\n"
        "       %s service run --config FILE   for the service manager\n",
        program->name, program->name, program->name);
    return EXIT_USAGE;
}

static bool take_arguments(int argc, char **argv, service_args *out)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {{"--config", &out->config},
                   {"--relay-url", &out->relay_url},
                   {"--ais-url", &out->ais_url},
                   {"--agent", &out->agent_id},
                   {"--token-file", &out->token_file}};
    const struct {
        const char *name;
        bool *value;
    } flags[] = {{"--token-stdin", &out->token_stdin}, {"--start", &out->start}};
    for (int i = 3; i < argc; i++) {
        size_t n = 0;
        while (n < sizeof flags / sizeof flags[0] && strcmp(argv[i], flags[n].name) != 0)
            n++;
        if (n < sizeof flags / sizeof flags[0]) {
            *flags[n].value = true;
            continue;
        }
        n = 0;
        while (n < sizeof options / sizeof options[0] && strcmp(argv[i], options[n].name) != 0)
            n++;
        if (n == sizeof options / sizeof options[0] || i + 1 >= argc)
            return false;
        i++;
        /* An empty value is one that the MSI was not given. */
        if (argv[i][0] != '\0')
            *options[n].value = argv[i];
    }
    return true;
}

int mlc_agent_service(const mlc_program *program, int argc, char **argv)
{
    service_args args = {0};
    mlc_error err = {0};
    const char *const what = argc > 2 ? argv[2] : "";
    if (!take_arguments(argc, argv, &args))
        return usage(program);
    mlc_code code = MLC_OK;
    if (strcmp(what, "install") == 0)
        code = service_install(&args, &err);
    else if (strcmp(what, "uninstall") == 0)
        code = service_uninstall(&err);
    else if (strcmp(what, "run") == 0 && args.config != NULL)
        code = service_run(program, args.config, &err);
    else
        return usage(program);
    if (code == MLC_OK)
        return 0;
    (void)fprintf(stderr, "%s: %s\n", program->name, err.message);
    service_event(1, err.message);
    return 1;
}
