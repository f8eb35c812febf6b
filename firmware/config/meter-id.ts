import type { SiteMeter } from './site.ts';

/** The name a meter goes by everywhere behind the bus: its `id`, else the address printed on it, else bus unit. */
export function meterId(meter: SiteMeter): string {
  return meter.id ?? (meter.protocol === 'dlt645' ? meter.address : `modbus-${meter.unit}`);
}
