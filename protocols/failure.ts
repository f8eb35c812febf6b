/**
 * Everything that can go wrong between a request and its answer, and what the poller does next.
 * Garbage on RS-485 is normal: none of these is thrown, each is a result with a name.
 */

export const FAILURES = [
  'no-answer',
  'incomplete',
  'checksum',
  'garbage',
  'wrong-address',
  'wrong-item',
  'wrong-sequence',
  'late-answer',
  'bad-value',
  'no-such-data',
  'no-record',
  'refused',
  'unauthorised',
  'busy',
  'device-fault',
  'stale',
  'torn',
  'port-lost',
  'deadline',
  'cancelled',
] as const;
export type Failure = (typeof FAILURES)[number];

/** `retry`: ask again in this turn, up to `times`. `drop-item`: the meter lives but never answers this. `give-up`: until asked again. */
export interface Policy {
  next: 'retry' | 'drop-item' | 'give-up' | 'reopen-port';
  times: number;
  /** Whether it counts towards calling the meter dead. */
  countsAsSilence: boolean;
  /** Whether the line must be quiet for longer than the slowest answer before the next request. */
  quarantine: boolean;
  /** For the field engineer: what it is and what to look at. */
  meaning: string;
}

export const POLICY = {
  'no-answer': {
    next: 'retry',
    times: 2,
    countsAsSilence: true,
    quarantine: true,
    meaning: 'the meter said nothing: check address, wiring A/B, baud and parity',
  },
  incomplete: {
    next: 'retry',
    times: 2,
    countsAsSilence: true,
    quarantine: true,
    meaning: 'the answer stopped half way: noise, a weak driver or a missing terminator',
  },
  checksum: {
    next: 'retry',
    times: 2,
    countsAsSilence: false,
    quarantine: true,
    meaning: 'bytes were changed on the line: noise, or two meters answering at once',
  },
  garbage: {
    next: 'retry',
    times: 2,
    countsAsSilence: false,
    quarantine: true,
    meaning: 'bytes that are no frame: noise, wrong baud or parity, or another protocol on the line',
  },
  'wrong-address': {
    next: 'retry',
    times: 2,
    countsAsSilence: false,
    quarantine: true,
    meaning: 'another meter answered: an address used twice, or a late answer of a neighbour',
  },
  'wrong-item': {
    next: 'retry',
    times: 2,
    countsAsSilence: false,
    quarantine: true,
    meaning: 'the answer is to another question: a late answer',
  },
  'wrong-sequence': {
    next: 'retry',
    times: 1,
    countsAsSilence: false,
    quarantine: true,
    meaning: 'a follow-on frame came out of order: the chain starts again',
  },
  'late-answer': {
    next: 'retry',
    times: 1,
    countsAsSilence: false,
    quarantine: true,
    meaning: 'the meter answers slower than its deadline: raise answerMs for it',
  },
  'bad-value': {
    next: 'retry',
    times: 1,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the frame is right but the value is impossible (BCD digit above 9, out of range)',
  },
  'no-such-data': {
    next: 'drop-item',
    times: 0,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the meter does not have this item',
  },
  'no-record': {
    next: 'give-up',
    times: 0,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the meter has no record for that time yet',
  },
  refused: {
    next: 'give-up',
    times: 0,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the meter refused the request',
  },
  unauthorised: {
    next: 'give-up',
    times: 0,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'wrong password or no right: do not repeat, a meter locks itself after three',
  },
  busy: {
    next: 'retry',
    times: 3,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the meter is busy: asked again later',
  },
  'device-fault': {
    next: 'give-up',
    times: 0,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the meter reports a fault of its own',
  },
  stale: {
    next: 'retry',
    times: 1,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the snapshot is older than the request',
  },
  torn: {
    next: 'retry',
    times: 1,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the snapshot changed while it was read',
  },
  'port-lost': {
    next: 'reopen-port',
    times: 0,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the adapter is gone: check the plug; the port is opened again when it returns',
  },
  deadline: {
    next: 'reopen-port',
    times: 0,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the port did not take the bytes in time: the handle is dropped and the port opened again',
  },
  cancelled: {
    next: 'give-up',
    times: 0,
    countsAsSilence: false,
    quarantine: false,
    meaning: 'the gateway is stopping',
  },
} as const satisfies Record<Failure, Policy>;
