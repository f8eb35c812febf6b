/** Maximum demand and when it was: 2007 table A.2. */
import { hexByte } from '../../bytes.ts';
import { type Field, PHASES, type Row } from './row.ts';

const KINDS = [
  { di2: 0x01, en: 'forward active maximum demand', zh: '正向有功', unit: 'kW' },
  { di2: 0x02, en: 'reverse active maximum demand', zh: '反向有功', unit: 'kW' },
  { di2: 0x03, en: 'combined reactive 1 maximum demand', zh: '组合无功1', unit: 'kvar', signed: true },
  { di2: 0x04, en: 'combined reactive 2 maximum demand', zh: '组合无功2', unit: 'kvar', signed: true },
  { di2: 0x05, en: 'quadrant 1 reactive maximum demand', zh: '第一象限无功', unit: 'kvar' },
  { di2: 0x06, en: 'quadrant 2 reactive maximum demand', zh: '第二象限无功', unit: 'kvar' },
  { di2: 0x07, en: 'quadrant 3 reactive maximum demand', zh: '第三象限无功', unit: 'kvar' },
  { di2: 0x08, en: 'quadrant 4 reactive maximum demand', zh: '第四象限无功', unit: 'kvar' },
  { di2: 0x09, en: 'forward apparent maximum demand', zh: '正向视在', unit: 'kVA' },
  { di2: 0x0a, en: 'reverse apparent maximum demand', zh: '反向视在', unit: 'kVA' },
] as const;

function fields(kind: (typeof KINDS)[number]): Field[] {
  const { en, zh, unit } = kind;
  return [
    { en, zh: `${zh}最大需量`, unit, format: 'NN.NNNN', ...('signed' in kind ? { signed: true } : {}) },
    { en: 'at', zh: '发生时间', unit: '', format: 'YYMMDDhhmm' },
  ];
}

export const DEMAND: readonly Row[] = [
  ...KINDS.map((kind) => ({
    di: `01${hexByte(kind.di2)}TTHH`,
    en: `${kind.en} {TT}{HH}`,
    zh: `{HH}${kind.zh}{TT}最大需量及发生时间`,
    fields: fields(kind),
  })),
  ...PHASES.flatMap((phase) =>
    KINDS.map((kind) => ({
      di: `01${hexByte(kind.di2 + phase.offset)}00HH`,
      en: `${kind.en} ${phase.en}{HH}`,
      zh: `{HH}${phase.zh}${kind.zh}最大需量及发生时间`,
      fields: fields(kind),
    })),
  ),
];
