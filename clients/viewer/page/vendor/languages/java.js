import{c as e}from"../shared-BVOG6GH3.js";import{Nb as a}from"../shared-XWQ56AL2.js";var o=()=>a.define(e);export{o as default};
