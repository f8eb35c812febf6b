/**
 * Whether a start is good enough to stay. After an update the gateway must do again what it did just before: read a
 * meter if it read one, reach its broker if it reached it. Asking for more would roll a good update back because of
 * somebody's outage; asking for less would keep one that has lost its bus.
 */
import type { Health } from '../../firmware/supervisor.ts';

export interface Remembered {
  /** The image that was running. */
  image: string;
  health?: Health | undefined;
}

export interface Start {
  image: string;
  /** Undefined while the gateway does not run. */
  health: Health | undefined;
  uptimeS: number;
  /** Undefined when there was no update. */
  remembered: Remembered | undefined;
}

export interface Verdict {
  verdict: 'good' | 'wait' | 'back';
  reason: string;
}

/** Time for slow meters and a broker that spreads its reconnects; three of them fit into the three tries of a slot. */
export const PATIENCE_S = 600;
/** A program that has not come up by then does not come up: nobody outside can be the reason, and nobody reads meters. */
export const START_PATIENCE_S = 300;

export function judgeStart({ image, health, uptimeS, remembered }: Start): Verdict {
  if (remembered === undefined) return { verdict: 'good', reason: 'no update is being tried' };
  if (remembered.image === image) return { verdict: 'good', reason: 'this is what worked before the update' };
  const lacking = missingFrom(health, remembered.health);
  if (lacking === undefined) return { verdict: 'good', reason: 'it does what it did before the update' };
  if (uptimeS < (health === undefined ? START_PATIENCE_S : PATIENCE_S)) return { verdict: 'wait', reason: lacking };
  return { verdict: 'back', reason: lacking };
}

function missingFrom(now: Health | undefined, before: Health | undefined): string | undefined {
  // A gateway without a site file ran nothing before and runs nothing now.
  if (before === undefined) return undefined;
  if (now === undefined) return 'the gateway does not run';
  if (before.answering > 0 && now.answering === 0) return 'no meter answers';
  if (before.brokerReached && !now.brokerReached) return 'the broker is not reached';
  return undefined;
}
