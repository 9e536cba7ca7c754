// The parts of kafkajs 2.2.4 below its public API that log/kafka-*.ts stand on: one connection, and the encoders of six requests.

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net';
  import type RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

  export type ProtocolRequest = { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string };
  export type ProtocolResponse<T> = {
    /** Gets the response's bytes after the correlation id. */
    decode(bytes: Buffer): Promise<T>;
    /** Throws what it takes for an error; we hand answers through and judge codes ourselves. */
    parse(decoded: T): Promise<T>;
  };
  export type ConnectionLogger = {
    namespace(name: string): ConnectionLogger;
    error(message: string, extra?: object): void;
    warn(message: string, extra?: object): void;
    info(message: string, extra?: object): void;
    debug(message: string, extra?: object): void;
  };
  export type ConnectionOptions = {
    readonly host: string;
    readonly port: number;
    readonly clientId: string;
    readonly logger: ConnectionLogger;
    readonly socketFactory: (o: { host: string; port: number; onConnect: () => void }) => Socket;
    readonly sasl?: object;
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly enforceRequestTimeout: boolean;
  };

  export default class Connection {
    readonly requestQueue: RequestQueue;
    constructor(options: ConnectionOptions);
    connect(): Promise<unknown>;
    isConnected(): boolean;
    /** What the broker knows, by API key. */
    setVersions(versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>): void;
    /** Whether SASL travels in requests of the protocol (Kafka 1.0 and newer). */
    setSupportAuthenticationProtocol(isSupported: boolean): void;
    authenticate(): Promise<void>;
    send<T>(o: { request: ProtocolRequest; response: ProtocolResponse<T>; logResponseError: boolean }): Promise<T>;
    disconnect(): Promise<unknown>;
    rejectRequests(error: Error): void;
  }
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    pending: unknown[];
    throttledUntil: number;
    scheduleCheckPendingRequests(): void;
    /** Settles the request of this number with its answer: what follows the number. */
    fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void;
  }
}

declare module 'kafkajs/src/protocol/requests/metadata/v6/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/network/connection.js';
  export default function request(o: { topics: string[]; allowAutoTopicCreation: boolean }): ProtocolRequest;
}

declare module 'kafkajs/src/protocol/requests/metadata/v6/response.js' {
  export type Metadata = {
    readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
    readonly topicMetadata: readonly {
      readonly topicErrorCode: number;
      readonly topic: string;
      readonly partitionMetadata: readonly {
        readonly partitionErrorCode: number;
        readonly partitionId: number;
        readonly leader: number;
        readonly replicas: readonly number[];
      }[];
    }[];
  };
  const response: { decode(bytes: Buffer): Promise<Metadata> };
  export default response;
}

declare module 'kafkajs/src/protocol/requests/describeConfigs/v1/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/network/connection.js';
  export default function request(o: { resources: { type: number; name: string }[] }): ProtocolRequest;
}

declare module 'kafkajs/src/protocol/requests/describeConfigs/v1/response.js' {
  export type DescribedConfigs = {
    readonly resources: readonly {
      readonly errorCode: number;
      readonly configEntries: readonly { readonly configName: string; readonly configValue: string }[];
    }[];
  };
  const response: { decode(bytes: Buffer): Promise<DescribedConfigs> };
  export default response;
}

declare module 'kafkajs/src/protocol/requests/produce/v7/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/network/connection.js';
  export default function request(o: {
    acks: number;
    timeout: number;
    topicData: { topic: string; partitions: { partition: number; messages: { key: null; value: Buffer }[] }[] }[];
  }): ProtocolRequest;
}

declare module 'kafkajs/src/protocol/requests/produce/v7/response.js' {
  export type Produced = {
    readonly topics: readonly {
      readonly partitions: readonly { readonly errorCode: number; readonly baseOffset: string }[];
    }[];
  };
  const response: { decode(bytes: Buffer): Promise<Produced> };
  export default response;
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/network/connection.js';
  export default function request(o: {
    replicaId: number;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    isolationLevel: number;
    topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[];
  }): ProtocolRequest;
}

declare module 'kafkajs/src/protocol/requests/listOffsets/v3/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/network/connection.js';
  export default function request(o: {
    replicaId: number;
    isolationLevel: number;
    topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
  }): ProtocolRequest;
}

declare module 'kafkajs/src/protocol/requests/listOffsets/v3/response.js' {
  export type ListedOffsets = {
    readonly responses: readonly {
      readonly partitions: readonly { readonly errorCode: number; readonly offset: string }[];
    }[];
  };
  const response: { decode(bytes: Buffer): Promise<ListedOffsets> };
  export default response;
}

declare module 'kafkajs/src/protocol/requests/deleteRecords/v1/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/network/connection.js';
  export default function request(o: {
    timeout: number;
    topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
  }): ProtocolRequest;
}

declare module 'kafkajs/src/protocol/requests/deleteRecords/v1/response.js' {
  export type DeletedRecords = {
    readonly topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[];
  };
  export default function response(o: { topics: object[] }): { decode(bytes: Buffer): Promise<DeletedRecords> };
}
