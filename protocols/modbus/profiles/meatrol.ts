import type { Profile } from '../row.ts';

export const me237 = {
  name: 'me237',
  vendor: 'Meatrol',
  model: 'ME237',
  source: 'ME237 register list: measurement from 1000, voltage THD from 2000, current THD from 2008, floats',
  table: 'holding',
  words: 'high-first',
  rows: [
    { name: 'voltage-l1', address: 1000, type: 'f32', unit: 'V', feeds: 'voltageV', phase: 1 },
    { name: 'voltage-l2', address: 1002, type: 'f32', unit: 'V', feeds: 'voltageV', phase: 2 },
    { name: 'voltage-l3', address: 1004, type: 'f32', unit: 'V', feeds: 'voltageV', phase: 3 },
    { name: 'frequency', address: 1066, type: 'f32', unit: 'Hz', feeds: 'frequencyHz' },
    { name: 'voltage-thd-l1', address: 2000, type: 'f32', unit: '%' },
    { name: 'voltage-thd-l2', address: 2002, type: 'f32', unit: '%' },
    { name: 'voltage-thd-l3', address: 2004, type: 'f32', unit: '%' },
    { name: 'current-thd-l1', address: 2008, type: 'f32', unit: '%', feeds: 'currentThd', phase: 1 },
    { name: 'current-thd-l2', address: 2010, type: 'f32', unit: '%', feeds: 'currentThd', phase: 2 },
    { name: 'current-thd-l3', address: 2012, type: 'f32', unit: '%', feeds: 'currentThd', phase: 3 },
  ],
} as const satisfies Profile;
