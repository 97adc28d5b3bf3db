// Colours of groups: old pigments, each at least 3 : 1 against both papers.
export const colors = [
  { value: "#B8503B", name: "sidebar.cinnabar" },
  { value: "#B0762A", name: "sidebar.ochre" },
  { value: "#8A7F2C", name: "sidebar.moss" },
  { value: "#4F8A4C", name: "sidebar.bamboo" },
  { value: "#2F8C7C", name: "sidebar.celadon" },
  { value: "#3D83A8", name: "sidebar.lake" },
  { value: "#5B74C4", name: "sidebar.indigo" },
  { value: "#8A65B5", name: "sidebar.wisteria" },
  { value: "#B3578A", name: "sidebar.peony" },
  { value: "#7D7668", name: "sidebar.stone" },
];
