// The service is reached at the origin of the page.
const proxy = { "/api": process.env.OSTIARY ?? "http://localhost:8000" };

export default { server: { port: 5173, proxy }, preview: { proxy } };
