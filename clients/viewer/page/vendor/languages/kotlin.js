import{f as o}from"../shared-BVOG6GH3.js";import{Nb as e}from"../shared-XWQ56AL2.js";var m=()=>e.define(o);export{m as default};
