// A frame that says something else than the one in the log, behind a right checksum.
import { decodeFrame, encodeCommand, encodeFrame } from '../../src/core/codec.ts';

/** Another type of the first value that it puts, which no client looks at; undefined where it puts none. */
export function falsify(payload: Uint8Array): Uint8Array | undefined {
  const decoded = decodeFrame(payload);
  if (decoded.kind !== 'frame') return undefined;
  const { commands, ...head } = decoded.frame;
  const place = commands.findIndex(({ command }) => command.type === 'put');
  if (place === -1) return undefined;
  const encoded = commands.map(({ command, ...rest }, at) =>
    encodeCommand(rest, at === place && command.type === 'put' ? { ...command, contentType: 'falsified' } : command),
  );
  return encodeFrame(head, encoded);
}
