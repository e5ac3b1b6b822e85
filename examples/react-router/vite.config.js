// The service is reached at the same origin, at /api. With VITE_OSTIARY the page calls it at its own origin instead.
const proxy = { "/api": process.env.OSTIARY ?? "http://localhost:8000" };

export default { esbuild: { jsx: "automatic" }, server: { proxy }, preview: { proxy } };
