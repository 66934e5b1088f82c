import{a as r}from"../shared-BVOG6GH3.js";import{Ea as e}from"../shared-SHMUWWUZ.js";var t=()=>e.define(r);export{t as default};
