import{b as r}from"../shared-BVOG6GH3.js";import{Nb as e}from"../shared-XWQ56AL2.js";var p=()=>e.define(r);export{p as default};
