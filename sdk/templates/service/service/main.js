import { createService } from "./server.js";

const port = Number(process.env.SERVER_PORT ?? 80);
const server = createService().listen(port, () => console.log(`POST http://127.0.0.1:${server.address().port}/decode`));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
