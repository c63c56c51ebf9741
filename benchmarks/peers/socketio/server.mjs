// Socket.IO with its Redis adapter.
//
// usage: REDIS_URL=… node server.mjs
//
// Only the WebSocket transport. As its pages on performance and memory advise: with ws' native
// add-ons, and without a reference to each handshake's request. A member names its room when it
// connects.
import { createServer } from "node:http";

import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const PING_MILLISECONDS = 3_600_000; // the load client answers none

const publisher = createClient({ url: process.env.REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  pingInterval: PING_MILLISECONDS,
  serveClient: false,
});
io.engine.on("connection", (raw) => {
  raw.request = null;
});
io.on("connection", (socket) => {
  socket.join(socket.handshake.auth.room);
});

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  console.log(`127.0.0.1:${http.address().port}`);
});
process.on("SIGTERM", () => process.exit());
