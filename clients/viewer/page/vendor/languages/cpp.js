import{b as r}from"../shared-BVOG6GH3.js";import{Ea as e}from"../shared-SHMUWWUZ.js";var p=()=>e.define(r);export{p as default};
