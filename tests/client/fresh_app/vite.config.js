// As in any new app, with the service and its pages behind the same origin. Its pages have their files in /page-assets.
const paths = ["/api", "/sign-in", "/page-assets", "/signed-out"];
const proxy = Object.fromEntries(paths.map((path) => [path, process.env.OSTIARY ?? "http://localhost:8000"]));

export default {
  esbuild: { jsx: "automatic" },
  server: { proxy },
  preview: { proxy },
};
