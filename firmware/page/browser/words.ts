/** What the page says, in both languages. Kinds and states keep their names of the contract beside the translation. */

const WORDS = {
  meters: ['电表', 'Meters'],
  alerts: ['告警', 'Alerts'],
  bus: ['总线', 'Bus'],
  tools: ['工具', 'Tools'],
  site: ['站点文件', 'Site file'],
  logs: ['日志', 'Logs'],
  login: ['登录', 'Log in'],
  password: ['设备密码(见标签)', 'Device password (on the label)'],
  'login elsewhere': ['登录已失效:请在另一窗口登录后再保存', 'Logged out: log in in another tab, then save again'],
  wrong: ['密码错误', 'Wrong password'],
  'slow-down': ['尝试过多,请一分钟后再试', 'Too many tries: wait a minute'],
  'platform reached': ['已连接平台', 'platform reached'],
  'platform not reached': ['未连接平台', 'platform not reached'],
  waiting: ['待确认', 'waiting for receipt'],
  readings: ['读数', 'readings'],
  'clock unset': ['时钟未同步', 'clock not synchronised'],
  answering: ['正常', 'answering'],
  faulty: ['应答有误', 'faulty answers'],
  silent: ['无应答', 'silent'],
  unasked: ['尚未读取', 'not asked yet'],
  never: ['从未', 'never'],
  heard: ['最近应答', 'heard'],
  power: ['有功功率', 'power'],
  voltage: ['电压', 'voltage'],
  current: ['电流', 'current'],
  energy: ['正向电能', 'import'],
  curve: ['负荷曲线', 'Load curve'],
  wave: ['波形', 'Waveform'],
  differential: ['接入负荷的一个周波', 'One cycle of what was switched on'],
  harmonics: ['谐波', 'Harmonics'],
  evidence: ['证据', 'Evidence'],
  timeline: ['处理过程', 'What was done'],
  routed: ['已派给', 'told'],
  acknowledged: ['已接单', 'acknowledged'],
  dispatched: ['已转派', 'dispatched'],
  result: ['结果', 'result'],
  escalated: ['已上报', 'escalated'],
  certificate: ['证书剩余', 'certificate'],
  days: ['天', 'days left'],
  utilisation: ['占用率', 'in use'],
  plan: ['计划占用', 'plan asks for'],
  'does not fit': ['计划超出总线能力', 'the plan is longer than the bus'],
  port: ['端口', 'Port'],
  item: ['数据项', 'Item'],
  meter: ['电表', 'Meter'],
  read: ['读取', 'Read'],
  scan: ['搜索电表', 'Scan for meters'],
  stop: ['停止', 'Stop'],
  save: ['检查并保存', 'Check and save'],
  saved: ['已保存,重启后生效', 'Saved; in force after a restart'],
  support: ['下载诊断包(不含密钥)', 'Download support bundle (no secrets)'],
  none: ['暂无', 'nothing yet'],
  since: ['开始', 'since'],
  raised: ['发生', 'raised'],
  updated: ['更新', 'updated'],
  cleared: ['解除', 'cleared'],
  notice: ['提示', 'notice'],
  warning: ['警告', 'warning'],
  critical: ['严重', 'critical'],
  'illegal-charging': ['违规充电', 'illegal charging'],
  inactivity: ['老人无活动', 'inactivity'],
  overload: ['过载', 'overload'],
  'overload-forecast': ['过载预测', 'overload forecast'],
  imbalance: ['三相不平衡', 'imbalance'],
  occupancy: ['空置', 'occupancy'],
  'night-residence': ['三合一住人', 'night residence'],
  'abnormal-use': ['用电异常', 'abnormal use'],
  leakage: ['漏电', 'leakage'],
  'tariff-tier': ['阶梯电价', 'tariff tier'],
  'low-balance': ['余额不足', 'low balance'],
  outage: ['停电', 'outage'],
  'meter-fault': ['电表故障', 'meter fault'],
  tamper: ['窃电嫌疑', 'tamper'],
  profile: ['用电画像', 'profile'],
  gateway: ['网关', 'gateway'],
} as const satisfies Record<string, readonly [zh: string, en: string]>;

export type Language = 'zh' | 'en';
let language: Language =
  (localStorage.getItem('language') as Language | null) ?? (navigator.language.startsWith('zh') ? 'zh' : 'en');

export function currentLanguage(): Language {
  return language;
}

export function setLanguage(next: Language): void {
  language = next;
  localStorage.setItem('language', next);
  document.documentElement.lang = next;
}

/** The word in the language of the page; a name that is not in the table stands for itself. */
export function say(name: string): string {
  const entry = (WORDS as Record<string, readonly [string, string]>)[name];
  return entry === undefined ? name : entry[language === 'zh' ? 0 : 1];
}

export function time(atMs: number | null): string {
  return atMs === null ? say('never') : new Date(atMs).toLocaleString(language === 'zh' ? 'zh-CN' : 'en-GB');
}
