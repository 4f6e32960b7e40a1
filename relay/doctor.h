/* doctor.h - "ml-relay doctor [TENANT]": each hop of the relay, in order (docs/doctor.md).
 *
 * Folder, certificate, port and the running relay; then for each tenant (or the one named) its configuration and mappings, Entra
 * ID, Dynamics, the rights, columns, keys and mappings of its tables, the webhook steps, its agents. The running relay is not
 * disturbed, its stores stay its own; nothing is written anywhere. Thread rule: the main thread.
 */
#ifndef MLC_RELAY_DOCTOR_H
#define MLC_RELAY_DOCTOR_H

/* `software`: "ml-relay/0.1.0". Returns the exit status. */
int mlc_relay_doctor(const char *software, int argc, char **argv);

#endif
