// Every file of locales/zh/pages under its name: the pages beside the chat, loaded with the first of them.
const files = import.meta.glob("./zh/pages/*.json", { eager: true, import: "default" });

export default Object.fromEntries(Object.entries(files).map(([path, sentences]) => [path.slice(11, -5), sentences]));
