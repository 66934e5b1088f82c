import{d as e}from"../shared-BVOG6GH3.js";import{Nb as r}from"../shared-XWQ56AL2.js";var o=()=>r.define(e);export{o as default};
