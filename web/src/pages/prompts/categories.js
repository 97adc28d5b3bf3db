/** As the server has them (schemas/prompt.py). */
export const categories = ["system", "role", "creative", "code", "other"];
