// docs/openapi.yaml as the tests read it: resolved references, the operation of a request, and validators of its schemas.
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { type Path, ROUTES } from '../../src/http/routes.ts';

type Json = Readonly<Record<string, unknown>>;
type Parameter = { readonly name: string; readonly in: string };
export type Answer = {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Json>>;
  readonly content?: Readonly<Record<string, { readonly schema?: Json }>>;
};
type Operation = {
  readonly operationId?: string;
  readonly parameters: readonly Parameter[];
  readonly responses: Readonly<Record<string, Answer>>;
};

const METHODS = ['get', 'head', 'put', 'delete', 'post', 'options'] as const;

export class OpenApiDocument {
  readonly content: Json;
  readonly #ajv = new Ajv2020({ strict: false, formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } });
  readonly #validators = new Map<Json, ValidateFunction>();

  constructor(text = readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8')) {
    this.content = parse(text, { merge: true, maxAliasCount: -1 });
    this.#ajv.addSchema(this.content, 'openapi');
  }

  get paths(): readonly string[] {
    return Object.keys(objectAt(this.content, 'paths'));
  }

  /** All operations, by `GET /v1/keys`. */
  get operations(): ReadonlyMap<string, Operation> {
    const found = new Map<string, Operation>();
    for (const path of this.paths) {
      const item = objectAt(this.content, 'paths', path);
      for (const method of METHODS.filter((name) => name in item)) {
        found.set(`${method.toUpperCase()} ${path}`, this.#operation(item, objectAt(item, method)));
      }
    }
    return found;
  }

  /** `key` is a name below `components.<kind>`. */
  component(kind: string, key: string): Json {
    return objectAt(this.content, 'components', kind, key);
  }

  /** What is wrong with a value by a schema of this document; '' when nothing is. */
  faults(schema: Json, value: unknown): string {
    let validate = this.#validators.get(schema);
    if (validate === undefined) {
      validate = this.#ajv.compile(absolute(schema));
      this.#validators.set(schema, validate);
    }
    return validate(value) ? '' : this.#ajv.errorsText(validate.errors);
  }

  resolved<T>(value: T): T {
    const reference = (value as { readonly $ref?: unknown }).$ref;
    if (typeof reference !== 'string') return value;
    return objectAt(this.content, ...reference.slice('#/'.length).split('/')) as T;
  }

  #operation(item: Json, operation: Json): Operation {
    const parameters = [...listOf(item.parameters), ...listOf(operation.parameters)] as Parameter[];
    const responses = Object.entries(operation.responses as Readonly<Record<string, Answer>>);
    return {
      ...operation,
      parameters: parameters.map((parameter) => this.resolved(parameter)),
      responses: Object.fromEntries(responses.map(([status, response]) => [status, this.resolved(response)])),
    };
  }
}

const CACHE_PATHS: readonly (readonly [RegExp, Path])[] = [
  [/^\/v1\/caches\/[^/]+\/entries\//, '/v1/caches/{cache}/entries/{key}'],
  [/^\/v1\/caches\/[^/]+\/failed\/.*\/retry$/, '/v1/caches/{cache}/failed/{key}/retry'],
  [/^\/v1\/caches\/[^/]+\/failed\//, '/v1/caches/{cache}/failed/{key}'],
  [/^\/v1\/caches\/[^/]+\/failed$/, '/v1/caches/{cache}/failed'],
  [/^\/v1\/caches\/[^/]+\/policy$/, '/v1/caches/{cache}/policy'],
  [/^\/v1\/caches\/[^/:]+:invalidate$/, '/v1/caches/{cache}:invalidate'],
  [/^\/v1\/caches\/[^/:]+:adopt$/, '/v1/caches/{cache}:adopt'],
  [/^\/v1\/stores\/[^/:]+\/entries\//, '/v1/stores/{store}/entries/{key}'],
  [/^\/v1\/stores\/[^/:]+:invalidate$/, '/v1/stores/{store}:invalidate'],
  [/^\/v1\/caches\/[^/:]+$/, '/v1/caches/{cache}'],
];

/** The path of the document that a target belongs to; undefined when there is nothing at it. */
export function pathOfTarget(target: string): Path | undefined {
  const path = target.split('?')[0] ?? '';
  if (path.startsWith('/v1/keys/')) return '/v1/keys/{key}';
  if (path.startsWith('/api/cache/')) return '/api/cache/{key}/';
  if (path.startsWith('/console/')) return '/console/{file}';
  if (path.startsWith('/v1/tokens/')) return '/v1/tokens/{name}';
  const ofCache = CACHE_PATHS.find(([pattern]) => pattern.test(path));
  if (ofCache !== undefined) return ofCache[1];
  return Object.keys(ROUTES).find((known) => known === path) as Path | undefined;
}

function objectAt(value: Json, ...names: readonly string[]): Json {
  return names.reduce<Json>((inner, name) => inner[name] as Json, value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** References of a part stand for places in the whole document. */
function absolute(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"openapi#/'));
}
