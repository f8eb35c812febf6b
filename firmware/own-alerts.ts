/**
 * What the gateway has to say about itself: a lost port, a disk that refuses, a clock that was never set. Alerts of kind
 * `gateway` with the gateway's own id in the meter's place; they take the same way through the outbox as all others.
 */
import { type Alert, alertId, type Evidence, type Severity } from '../detectors/alert.ts';
import type { Clock } from './clock.ts';
import type { Outbox } from './outbox.ts';

export interface OwnAlerts {
  /** Raises once; raising it again while it stands changes nothing. */
  raise(key: string, severity: Severity, evidence: Evidence): void;
  clear(key: string): void;
  /** What stands now. */
  standing(): readonly string[];
  /** Resolves when everything said so far is stored. */
  settled(): Promise<void>;
}

const KEY = 'own-alerts';

/** Keys that may stand at once: each is one fault of one part, so more than this is a fault of the caller. */
const STANDING_MAX = 256;

/** Opens with what stood when the gateway went down: a fault that is over is then cleared, not forgotten. */
export async function openOwnAlerts(
  gateway: string,
  outbox: Outbox,
  clock: Clock,
  onStored: (alerts: readonly Alert[], durable: boolean) => void,
): Promise<OwnAlerts> {
  const standing = new Map<string, Alert>(await readStanding(outbox));
  let writing: Promise<void> = Promise.resolve();
  const store = (alert: Alert) => {
    const kept = new TextEncoder().encode(JSON.stringify([...standing]));
    writing = writing.then(async () => {
      const { durable } = await outbox.commit({ messages: [{ type: 'alert', alert }], put: { [KEY]: kept } });
      onStored([alert], durable);
    });
  };
  return {
    raise(key, severity, evidence) {
      if (standing.has(key) || standing.size >= STANDING_MAX) return;
      const at = Math.floor(clock.nowMs());
      const alert: Alert = {
        id: alertId({ meter: gateway, kind: 'gateway', sinceMs: at, key }),
        meter: gateway,
        kind: 'gateway',
        state: 'raised',
        severity,
        at,
        since: at,
        confidence: 1,
        evidence: { fault: key, ...evidence },
        recipients: ['dispatch'],
      };
      standing.set(key, alert);
      store(alert);
    },
    clear(key) {
      const alert = standing.get(key);
      if (alert === undefined) return;
      standing.delete(key);
      store({ ...alert, state: 'cleared', at: Math.max(alert.at, Math.floor(clock.nowMs())) });
    },
    standing: () => [...standing.keys()],
    settled: () => writing,
  };
}

async function readStanding(outbox: Outbox): Promise<[string, Alert][]> {
  const bytes = await outbox.get(KEY);
  if (bytes === undefined) return [];
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as [string, Alert][];
  } catch {
    return [];
  }
}
