// Draws diagrams for the page that holds this one. It stands in a sandbox without an origin: what a diagram's source
// makes of Mermaid reaches no storage, no API and no network, and only a picture goes back.

// A source may not change these of the configuration.
const secure = ["secure", "securityLevel", "startOnLoad", "maxTextSize", "maxEdges", "suppressErrorRendering", "theme", "themeVariables", "themeCSS", "fontFamily", "altFontFamily", "htmlLabels", "flowchart.htmlLabels", "dompurifyConfig"];
let library;
let drawn = 0;

const load = (address) =>
  (library ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: resolve, onerror: () => reject(new Error("not loaded")) });
    document.head.append(script);
  }));

async function draw({ address, source, look }) {
  await load(address);
  // Labels as text and not as HTML: a picture has no room for elements of a page.
  mermaid.initialize({ startOnLoad: false, securityLevel: "strict", suppressErrorRendering: true, htmlLabels: false, flowchart: { htmlLabels: false }, secure, ...look });
  const { svg } = await mermaid.render(`diagram-${++drawn}`, source);
  const picture = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
  const [, , width, height] = picture.getAttribute("viewBox").split(/[ ,]+/).map(Number);
  picture.setAttribute("width", Math.ceil(width));
  picture.setAttribute("height", Math.ceil(height));
  return { svg: new XMLSerializer().serializeToString(picture), width: Math.ceil(width), height: Math.ceil(height) };
}

addEventListener("message", async ({ source: asker, data }) => {
  if (asker !== parent) return;
  const answer = await draw(data).catch((error) => ({ wrong: String(error.message ?? error) }));
  parent.postMessage({ id: data.id, ...answer }, "*");
});
parent.postMessage({ ready: true }, "*");
