// Every page: its path, its name, its component (loaded when it is opened), and how the sidebar shows it, if it does.
// A new page is a line here and a folder beside this file.

/** @type {{ path: string, name: string, component: () => Promise<any>, link?: { icon: string, title: string } }[]} */
export const pages = [];

export const sidebarLinks = pages.filter((page) => page.link).map(({ name, link }) => ({ name, ...link }));
