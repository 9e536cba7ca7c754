// Connections that were refused in the present turn of the event loop: nothing more is read from them before the next.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/**
 * While more than a thousand connections have something to read, libuv asks for more in the same turn, 48 times at most. Clients that
 * come again at once would keep such a turn going for seconds, beyond its bound, so that all in it would be refused.
 */
export class Silence {
  #sockets: Socket[] = [];
  readonly #end = () => {
    const sockets = this.#sockets;
    this.#sockets = [];
    for (const socket of sockets) socket.resume();
  };

  /** From the end of this request, which is refused, to that of the turn. */
  begin(request: IncomingMessage): void {
    // Until then Node reads what is left of it, and resumes the connection whenever it does.
    request.once('close', () => process.nextTick(() => this.#add(request.socket)));
  }

  #add(socket: Socket): void {
    if (socket.destroyed) return;
    socket.pause();
    this.#sockets.push(socket);
    if (this.#sockets.length === 1) setImmediate(this.#end);
  }
}
