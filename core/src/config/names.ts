/** Under which names each option is known in the file, the environment and the arguments. */
import { AGENT_PROPERTIES_WITHOUT_EFFECT } from "./agent-properties.ts";
import type { Option } from "./option.ts";
import { OPTIONS } from "./schema.ts";

export interface NamedOption {
  readonly group: string;
  readonly name: string;
  /** `http.port`, or the short name; file key and, after `--`, argument. */
  readonly key: string;
  /** `MOORING_HTTP_PORT` */
  readonly environment: string;
  readonly option: Option;
}

const snake = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(".", "_")
    .toUpperCase();

/** Environment form of one of the agent's properties: `.` becomes `_`, upper case (agent specification 19). */
const agentEnvironment = (property: string): string => property.replaceAll(".", "_").toUpperCase();

export const NAMED_OPTIONS: readonly NamedOption[] = Object.entries(OPTIONS).flatMap(([group, options]) =>
  Object.entries(options).map(([name, option]: [string, Option]) => {
    const key = option.short ?? `${group}.${name}`;
    return { group, name, key, environment: `MOORING_${snake(key)}`, option };
  }),
);

const indexBy = (keysOf: (named: NamedOption) => readonly string[]): ReadonlyMap<string, NamedOption> =>
  new Map(NAMED_OPTIONS.flatMap(named => keysOf(named).map(key => [key, named] as const)));

/** File keys: ours, `group.name` also where there is a short name, and the agent's. */
export const BY_FILE_KEY = indexBy(named => [named.key, `${named.group}.${named.name}`, ...(named.option.agent ?? [])]);
export const BY_ARGUMENT = indexBy(named => [named.key, `${named.group}.${named.name}`]);
export const BY_ENVIRONMENT = indexBy(named => [
  named.environment,
  ...(named.option.agent ?? []).map(agentEnvironment),
]);

/** Older names of the agent's DTLS options: they count where the newer ones are given too (agent specification 19). */
const OLDER = ["eclipse.californium.scandium.dtlsConnector."].flatMap(prefix => [prefix, agentEnvironment(prefix)]);
const isOlder = (name: string): boolean => OLDER.some(prefix => name.startsWith(prefix));

/** Whether `one` of two names of an option counts where both are given; otherwise they must agree. */
export const supersedes = (one: string, other: string): boolean => isOlder(one) && !isOlder(other);

/** @param inForm how a property is written where `name` comes from */
function reasonFor(name: string, inForm: (property: string) => string): string | undefined {
  return Object.entries(AGENT_PROPERTIES_WITHOUT_EFFECT).find(([property]) =>
    property.endsWith(".") ? name.startsWith(inForm(property)) : name === inForm(property),
  )?.[1];
}

/** @returns why one of the agent's properties changes nothing here; undefined for any other name */
export const withoutEffect = (property: string): string | undefined => reasonFor(property, name => name);

/** The same for its name in the environment. */
export const withoutEffectInEnvironment = (variable: string): string | undefined =>
  reasonFor(variable, agentEnvironment);
