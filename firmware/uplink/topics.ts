/**
 * The names under which a gateway speaks and hears. An alert's topic ends with its grid cell, so that the platform of
 * one community subscribes to its own cells only (`gw/1/+/up/alert/tj-cn-0412`) and a broker can hold it to that.
 */
import type { Alert } from '../../detectors/alert.ts';
import type { Message } from '../outbox.ts';

export function topicsOf(gateway: string) {
  const up = `gw/1/${gateway}/up`;
  const down = `gw/1/${gateway}/down`;
  return { up, status: `${up}/status`, receipt: `${down}/receipt`, command: `${down}/command` };
}

/** The cell as a level of a topic: `-` where the meter has none or its name cannot be one. */
export function cellOf({ grid }: Pick<Alert, 'grid'>): string {
  return grid !== undefined && grid !== '' && !/[+#/\0]/.test(grid) ? grid : '-';
}

export function topicOf(gateway: string, message: Message): string {
  const { up } = topicsOf(gateway);
  return message.type === 'alert' ? `${up}/alert/${cellOf(message.alert)}` : `${up}/${message.type}`;
}
