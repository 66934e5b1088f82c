import{g as e}from"../shared-BVOG6GH3.js";import{Nb as r}from"../shared-XWQ56AL2.js";var m=()=>r.define(e);export{m as default};
