/* main.c - ml-relay: the command line of the relay. */
#include "base/program.h"
#include "crypto/sealed.h"
#include "relay/app.h"
#include "relay/config.h"
#include "relay/control.h"
#include "relay/doctor.h"

#ifndef MLC_VERSION
#define MLC_VERSION "0"
#endif

static mlc_code run(const mlc_program_context *context, mlc_error *err)
{
    return mlc_relay_run(context->cfg, context->log, context->software, err);
}

static int seal(const char *program, int argc, char **argv)
{
    const mlc_rotate_options rotate = {.program = program,
                                       .admin_socket = "relay.admin_socket",
                                       .load_config = mlc_relay_config_load,
                                       .visit_sealed = mlc_relay_config_sealed,
                                       .key = mlc_relay_key_owner(),
                                       .reseal_state = mlc_control_reseal_stopped};
    return mlc_rotate_wanted(argc, argv) ? mlc_rotate_main(&rotate, argc, argv)
                                         : mlc_sealed_main(program, mlc_relay_key_owner(), argc, argv);
}

static int doctor(int argc, char **argv)
{
    return mlc_relay_doctor("ml-relay/" MLC_VERSION, argc, argv);
}

int main(int argc, char **argv)
{
    const mlc_program program = {.name = "ml-relay",
                                 .software = "ml-relay/" MLC_VERSION,
                                 .load_config = mlc_relay_config_load,
                                 .load_config_to_run = mlc_relay_config_load_partly,
                                 .describe_config = mlc_relay_config_describe,
                                 .run = run,
                                 .seal = seal,
                                 .doctor = doctor,
                                 .doctor_word = " [TENANT]"};
    return mlc_program_main(&program, argc, argv);
}
