import{a as r}from"../shared-BVOG6GH3.js";import{Nb as e}from"../shared-XWQ56AL2.js";var t=()=>e.define(r);export{t as default};
