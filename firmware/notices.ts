/** What the store and the link have to say becomes alerts of kind `gateway`; until the gateway is up it is only logged. */
import type { Severity } from '../detectors/alert.ts';
import type { Log } from './log.ts';
import type { StoreNotice } from './outbox.ts';
import type { OwnAlerts } from './own-alerts.ts';
import type { LinkNotice } from './uplink/mqtt-link.ts';

export interface NoticeHandlers {
  store(notice: StoreNotice): void;
  link(notice: LinkNotice): void;
  /** Notices that came before are raised now. */
  attach(own: OwnAlerts): void;
}

const EARLY_MAX = 32;

const STORE_SEVERITY = {
  corrupt: 'critical',
  'not-durable': 'critical',
  dropped: 'critical',
} as const satisfies Record<Exclude<StoreNotice['notice'], 'recovered'>, Severity>;

export function noticeHandlers(log: Log): NoticeHandlers {
  let own: OwnAlerts | undefined;
  const early: ((own: OwnAlerts) => void)[] = [];
  const tell = (say: (own: OwnAlerts) => void) => {
    if (own !== undefined) say(own);
    else if (early.length < EARLY_MAX) early.push(say);
  };
  return {
    store({ notice, detail, count }) {
      log.warn({ notice, count }, detail);
      tell((own) => {
        if (notice === 'recovered') own.clear('store-not-durable');
        else own.raise(`store-${notice}`, STORE_SEVERITY[notice], { detail, count });
      });
    },
    link({ notice, detail, days }) {
      log.warn({ notice, ...(days === undefined ? {} : { days }) }, detail);
      // Only a certificate that runs out is worth an alert: of the others the platform learns by the silence.
      if (notice === 'certificate-expires') {
        tell((own) =>
          own.raise('certificate-expires', (days ?? 0) > 7 ? 'notice' : 'warning', { daysLeft: days ?? 0 }),
        );
      }
    },
    attach(attached) {
      own = attached;
      for (const say of early.splice(0)) say(attached);
    },
  };
}
