// Connections that were refused in the present turn of the event loop: nothing more is read from them before the next.
import type { Socket } from 'node:net';

/**
 * Connections from which nothing more is read in the present turn. While more than a thousand have something to read, libuv asks for more in
 * the same turn, 48 times at most: clients that come again at once would keep it going for seconds, so that all in it would be refused.
 */
export class Silence {
  #sockets: Socket[] = [];
  readonly #end = () => {
    const sockets = this.#sockets;
    this.#sockets = [];
    for (const socket of sockets) socket.resume();
  };

  begin(socket: Socket): void {
    if (socket.destroyed) return;
    socket.pause();
    this.#sockets.push(socket);
    if (this.#sockets.length === 1) setImmediate(this.#end);
  }
}
