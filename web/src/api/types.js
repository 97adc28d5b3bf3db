// Shapes of the wire; /docs of a running server describes them field by field.

/**
 * @typedef {{ id: number, uuid: string, title: string, description: string | null, group_id: number,
 *   model_id: string | null, api_key_id: number | null, prompt_id: number | null, config: Record<string, any>,
 *   message_count: number, last_message: string | null, pinned: boolean, status: "active" | "archived",
 *   created_at: string, updated_at: string }} Conversation
 *
 * @typedef {{ id: number, uuid: string, chat_id: string, parent_id: string | null,
 *   role: "user" | "assistant" | "system" | "tool", content: string, reasoning: string | null,
 *   reasoning_ms: number | null, first_token_ms: number | null, duration_ms: number | null,
 *   message_type: "text" | "image" | "file", message_metadata: Record<string, any> | null, files: any[],
 *   model_id: string | null, token_count: number, character_count: number,
 *   state: "complete" | "streaming" | "cancelled" | "interrupted" | "failed", error: string | null,
 *   error_message: string | null, finish_reason: string | null, error_details: { provider: string | null,
 *     model: string | null, upstream_status: number | null, reason: string | null } | null,
 *   version: { index: number, count: number, uuids: string[] }, task_id: string | null,
 *   last_event_id: number | null, created_at: string, updated_at: string }} Message
 *
 * @typedef {{ id: number, name: string, description: string | null, color: string | null, sort: number,
 *   is_default: 0 | 1, status: string, conversation_count: number, created_at: string, updated_at: string,
 *   conversations?: Conversation[] }} Group
 *
 * @typedef {{ id: string, model_id: string, name: string, provider: string, status: string,
 *   api_key_id: number | null, capabilities: string[], context_length: number | null,
 *   unavailable: string | null, unavailable_message: string | null }} Model
 */

/**
 * @template T
 * @typedef {{ list: T[], total: number, pageNum: number, pageSize: number, next_cursor: string | null }} Page
 */

export {};
