/* doctor.h - "ml-agent doctor": each hop of the agent, in order (docs/doctor.md).
 *
 * The folder and the store, the relay and whether it would let this agent in, AIS: address, log-in, the read right of each
 * table of the enabled flows. A running agent is not disturbed: its store stays its own, its connection is not cut, and what only
 * it can know is asked of its admin socket. Nothing is written anywhere. Thread rule: the main thread.
 */
#ifndef MLC_AGENT_DOCTOR_H
#define MLC_AGENT_DOCTOR_H

/* `program` with version, "ml-agent/0.1.0". Returns the exit status. */
int mlc_agent_doctor(const char *software, int argc, char **argv);

#endif
