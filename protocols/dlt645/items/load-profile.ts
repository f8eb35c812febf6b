/** Load profiles: 2007 table A.7 and annex B. How records are laid out is in `../load-profile.ts`. */
import { type Field, PHASES, type Row, TOTAL_AND_PHASES } from './row.ts';

/** The six classes, in the order of a record; DI2 is the place counted from 1. */
export const PROFILE_CLASSES = [
  {
    en: 'of voltage, current and frequency',
    zh: '第1类',
    fields: [
      ...PHASES.map(({ en, zh }): Field => ({ en: `voltage ${en}`, zh: `${zh}电压`, unit: 'V', format: 'NNN.N' })),
      ...PHASES.map(
        ({ en, zh }): Field => ({ en: `current ${en}`, zh: `${zh}电流`, unit: 'A', format: 'NNN.NNN', signed: true }),
      ),
      { en: 'frequency', zh: '频率', unit: 'Hz', format: 'NN.NN' },
    ],
  },
  {
    en: 'of power',
    zh: '第2类',
    fields: [...quantity('active power', '有功功率', 'kW'), ...quantity('reactive power', '无功功率', 'kvar')],
  },
  {
    en: 'of power factor',
    zh: '第3类',
    fields: quantity('power factor', '功率因数', '', 'N.NNN'),
  },
  {
    en: 'of active and reactive energy',
    zh: '第4类',
    fields: [
      { en: 'forward active energy', zh: '正向有功总电能', unit: 'kWh', format: 'NNNNNN.NN' },
      { en: 'reverse active energy', zh: '反向有功总电能', unit: 'kWh', format: 'NNNNNN.NN' },
      { en: 'combined reactive energy 1', zh: '组合无功1总电能', unit: 'kvarh', format: 'NNNNNN.NN', signed: true },
      { en: 'combined reactive energy 2', zh: '组合无功2总电能', unit: 'kvarh', format: 'NNNNNN.NN', signed: true },
    ],
  },
  {
    en: 'of quadrant reactive energy',
    zh: '第5类',
    fields: [1, 2, 3, 4].map(
      (quadrant): Field => ({
        en: `quadrant ${quadrant} reactive energy`,
        zh: `第${quadrant}象限无功总电能`,
        unit: 'kvarh',
        format: 'NNNNNN.NN',
      }),
    ),
  },
  {
    en: 'of demand',
    zh: '第6类',
    fields: [
      { en: 'active demand', zh: '当前有功需量', unit: 'kW', format: 'NN.NNNN', signed: true },
      { en: 'reactive demand', zh: '当前无功需量', unit: 'kvar', format: 'NN.NNNN', signed: true },
    ],
  },
] as const satisfies readonly { en: string; zh: string; fields: readonly Field[] }[];

function quantity(en: string, zh: string, unit: string, format: 'NN.NNNN' | 'N.NNN' = 'NN.NNNN'): Field[] {
  return TOTAL_AND_PHASES.map((of) => ({ en: `${en} ${of.en}`, zh: `${of.zh}${zh}`, unit, format, signed: true }));
}

export const LOAD_PROFILE: readonly Row[] = [{ en: 'of all classes', zh: '' }, ...PROFILE_CLASSES].flatMap(
  ({ en, zh }, di2): Row[] => [
    { di: `060${di2}0000`, en: `earliest load profile ${en}`, zh: `最早${zh}负荷记录块`, unit: '', format: 'RECORDS' },
    {
      di: `060${di2}0001`,
      en: `load profile at a time, ${en}`,
      zh: `给定时间${zh}负荷记录块`,
      unit: '',
      format: 'RECORDS',
    },
    { di: `060${di2}0002`, en: `latest load profile ${en}`, zh: `最近${zh}负荷记录块`, unit: '', format: 'RECORDS' },
  ],
);
