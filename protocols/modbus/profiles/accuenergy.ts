import type { Profile } from '../row.ts';

export const acurev2000 = {
  name: 'acurev2000',
  vendor: 'AccuEnergy',
  model: 'AcuRev 2000 series, in-line channel',
  source: 'AcuRev 2000 user manual: basic measurement from 2000H as floats, energy from 2500H as 0.1 kWh',
  table: 'holding',
  words: 'high-first',
  rows: [
    { name: 'frequency', address: 0x2000, type: 'f32', unit: 'Hz', feeds: 'frequencyHz' },
    { name: 'voltage-l1', address: 0x2002, type: 'f32', unit: 'V', feeds: 'voltageV', phase: 1 },
    { name: 'voltage-l2', address: 0x2004, type: 'f32', unit: 'V', feeds: 'voltageV', phase: 2 },
    { name: 'voltage-l3', address: 0x2006, type: 'f32', unit: 'V', feeds: 'voltageV', phase: 3 },
    { name: 'voltage-average', address: 0x2008, type: 'f32', unit: 'V' },
    { name: 'line-voltage-l12', address: 0x200a, type: 'f32', unit: 'V' },
    { name: 'line-voltage-l23', address: 0x200c, type: 'f32', unit: 'V' },
    { name: 'line-voltage-l31', address: 0x200e, type: 'f32', unit: 'V' },
    { name: 'current-l1', address: 0x2012, type: 'f32', unit: 'A', feeds: 'currentA', phase: 1 },
    { name: 'current-l2', address: 0x2014, type: 'f32', unit: 'A', feeds: 'currentA', phase: 2 },
    { name: 'current-l3', address: 0x2016, type: 'f32', unit: 'A', feeds: 'currentA', phase: 3 },
    { name: 'import-energy', address: 0x2500, type: 'u32', unit: 'kWh', scale: 0.1, feeds: 'importWh' },
    { name: 'energy-2', address: 0x2502, type: 'u32', unit: 'kWh', scale: 0.1 },
    { name: 'energy-3', address: 0x2504, type: 'u32', unit: 'kWh', scale: 0.1 },
  ],
} as const satisfies Profile;

export const acurev1300 = {
  name: 'acurev1300',
  vendor: 'AccuEnergy',
  model: 'AcuRev 1300 series, energy only',
  source: 'AcuRev 1300 user manual: energy from 0900H as 0.01 kWh',
  table: 'holding',
  words: 'high-first',
  rows: [{ name: 'import-energy', address: 0x0900, type: 'u32', unit: 'kWh', scale: 0.01, feeds: 'importWh' }],
} as const satisfies Profile;
