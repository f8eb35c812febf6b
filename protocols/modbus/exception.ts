/** Modbus exception codes (Application Protocol 1.1b3, section 7) and which failure each is to the poller. */
import type { Failure } from '../failure.ts';
import type { ModbusAnswer, ModbusException } from './frame.ts';

export const EXCEPTIONS: Readonly<Record<number, { name: string; failure: Failure }>> = {
  1: { name: 'illegal-function', failure: 'no-such-data' },
  2: { name: 'illegal-address', failure: 'no-such-data' },
  3: { name: 'illegal-value', failure: 'refused' },
  4: { name: 'device-failure', failure: 'device-fault' },
  5: { name: 'acknowledged', failure: 'busy' },
  6: { name: 'busy', failure: 'busy' },
  7: { name: 'negative-acknowledge', failure: 'refused' },
  8: { name: 'memory-parity', failure: 'device-fault' },
  10: { name: 'no-gateway-path', failure: 'no-answer' },
  11: { name: 'gateway-target-silent', failure: 'no-answer' },
};

export const ILLEGAL_FUNCTION = 1;
export const ILLEGAL_ADDRESS = 2;
export const ILLEGAL_VALUE = 3;

export function isException(answer: ModbusAnswer): answer is ModbusException {
  return 'exception' in answer;
}

/** The failure an exception means, with its name as the detail; a code nobody defined is a refusal. */
export function exceptionFailure(answer: ModbusException): { failure: Failure; detail: string } {
  const known = EXCEPTIONS[answer.exception];
  return {
    failure: known?.failure ?? 'refused',
    detail: `exception ${answer.exception} ${known?.name ?? ''}`.trimEnd(),
  };
}
