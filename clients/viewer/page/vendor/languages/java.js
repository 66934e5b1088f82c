import{c as e}from"../shared-BVOG6GH3.js";import{Ea as a}from"../shared-SHMUWWUZ.js";var o=()=>a.define(e);export{o as default};
