// Providers that a connection may name, with the addresses that the server takes for them (providers/dialects.py).

/** @type {{ id: string, name: string, url: string, kind: "cloud" | "local" | "custom" }[]} */
export const providers = [
  { id: "openai", name: "OpenAI", url: "https://api.openai.com/v1", kind: "cloud" },
  { id: "deepseek", name: "DeepSeek", url: "https://api.deepseek.com/v1", kind: "cloud" },
  { id: "qwen", name: "Qwen 通义千问", url: "https://dashscope.aliyuncs.com/compatible-mode/v1", kind: "cloud" },
  { id: "moonshot", name: "Kimi 月之暗面", url: "https://api.moonshot.cn/v1", kind: "cloud" },
  { id: "zhipu", name: "GLM 智谱", url: "https://open.bigmodel.cn/api/paas/v4", kind: "cloud" },
  { id: "doubao", name: "豆包 Doubao", url: "https://ark.cn-beijing.volces.com/api/v3", kind: "cloud" },
  { id: "siliconflow", name: "SiliconFlow", url: "https://api.siliconflow.cn/v1", kind: "cloud" },
  { id: "openrouter", name: "OpenRouter", url: "https://openrouter.ai/api/v1", kind: "cloud" },
  { id: "groq", name: "Groq", url: "https://api.groq.com/openai/v1", kind: "cloud" },
  { id: "mistral", name: "Mistral", url: "https://api.mistral.ai/v1", kind: "cloud" },
  { id: "together", name: "Together", url: "https://api.together.xyz/v1", kind: "cloud" },
  { id: "xai", name: "xAI Grok", url: "https://api.x.ai/v1", kind: "cloud" },
  { id: "ollama", name: "Ollama", url: "http://127.0.0.1:11434/v1", kind: "local" },
  { id: "lmstudio", name: "LM Studio", url: "http://127.0.0.1:1234/v1", kind: "local" },
  { id: "vllm", name: "vLLM", url: "http://127.0.0.1:8000/v1", kind: "local" },
  { id: "llama.cpp", name: "llama.cpp", url: "http://127.0.0.1:8080/v1", kind: "local" },
  { id: "custom", name: "", url: "", kind: "custom" },
];

/** @param {string | null} id */
export const providerOf = (id) => providers.find((each) => each.id === id);

/** What to call a connection: its provider, or where it is. @param {{ provider: string | null, model_url: string | null }} connection */
export const nameOf = ({ provider, model_url }) => providerOf(provider)?.name || model_url?.replace(/^https?:\/\/|\/.*$/g, "") || provider || "";
